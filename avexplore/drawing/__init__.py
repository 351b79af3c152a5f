"""Pictures that answer: the class graph and the two maps, for pages, notebooks and files; no Streamlit."""
