"""Metric losses, proxies, AV-SAL and LIR, as functions and modules of tensors that know nothing of data or graphs.

`registry.py` lists the metric losses; it alone loads no PyTorch.
"""
