"""What pages, reports and the command line say about a run: no Streamlit, no torch."""
