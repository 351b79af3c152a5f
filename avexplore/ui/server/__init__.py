"""The web server: middleware around Streamlit."""
