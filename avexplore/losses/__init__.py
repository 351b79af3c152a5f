"""Metric losses, proxies, AV-SAL and LIR, as functions and modules of tensors that know nothing of data or graphs."""

from avexplore.losses.anchor_awareness import AnchorAwareness
from avexplore.losses.contrastive import ContrastiveLoss
from avexplore.losses.graph_regularizer import GraphRegularizer
from avexplore.losses.metric import MetricLoss, build_metric_loss
from avexplore.losses.proxies import ProxyAnchorLoss, ProxyTripletLoss
from avexplore.losses.semantic_alignment import SemanticAlignmentLoss
from avexplore.losses.supervised_contrastive import InfoNCELoss, SupervisedContrastiveLoss
from avexplore.losses.triplet import TripletLoss

__all__ = [
    "AnchorAwareness",
    "ContrastiveLoss",
    "GraphRegularizer",
    "InfoNCELoss",
    "MetricLoss",
    "ProxyAnchorLoss",
    "ProxyTripletLoss",
    "SemanticAlignmentLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
    "build_metric_loss",
]
