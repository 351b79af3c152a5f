"""The class graph as a picture that answers: pyvis's vis-network, nothing from outside."""
