"""Metric losses, proxies, AV-SAL and LIR, as plain functions of tensors."""
