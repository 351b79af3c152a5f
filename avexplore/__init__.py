"""avexplore: which classes depend on which in audio-visual data, and what that does to an embedding.

Data -> teacher -> soft labels -> class graph -> weights -> student -> retrieval, before and after.
"""

__version__ = "0.1.0"
