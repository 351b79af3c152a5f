"""The class graph as a picture that answers: pyvis's vis-network in a Streamlit component, nothing from outside."""
