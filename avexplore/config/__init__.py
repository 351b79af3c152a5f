"""One frozen dataclass per stage; upstream configs nest, and the whole has an address. Presets stand in `presets`."""

from avexplore.config.base import Config, acts_at, field_help, from_json, label_of, location, override, upstream, within
from avexplore.config.data import ClipsConfig, DataConfig, ExtractionConfig, FeatureFileConfig, SyntheticConfig
from avexplore.config.experiment import ARMS, DEFAULT_ARMS, ExperimentConfig, SweepConfig, VaryConfig
from avexplore.config.graph import (
    AffinityConfig,
    Engine,
    GraphConfig,
    KnowledgeConfig,
    Score,
    StabilityConfig,
    Strategy,
    Transform,
)
from avexplore.config.student import (
    BaselineConfig,
    EvaluationConfig,
    Model,
    OutputsConfig,
    PrefixConfig,
    ProjectionConfig,
    ReadingConfig,
    RegularizerConfig,
    StudentConfig,
)
from avexplore.config.teacher import SoftLabelFileConfig, SoftLabelSource, TeacherConfig

__all__ = [
    "ARMS",
    "DEFAULT_ARMS",
    "AffinityConfig",
    "BaselineConfig",
    "ClipsConfig",
    "Config",
    "DataConfig",
    "Engine",
    "EvaluationConfig",
    "ExperimentConfig",
    "ExtractionConfig",
    "FeatureFileConfig",
    "GraphConfig",
    "KnowledgeConfig",
    "Model",
    "OutputsConfig",
    "PrefixConfig",
    "ProjectionConfig",
    "ReadingConfig",
    "RegularizerConfig",
    "Score",
    "SoftLabelFileConfig",
    "SoftLabelSource",
    "StabilityConfig",
    "Strategy",
    "StudentConfig",
    "SweepConfig",
    "SyntheticConfig",
    "TeacherConfig",
    "Transform",
    "VaryConfig",
    "acts_at",
    "field_help",
    "from_json",
    "label_of",
    "location",
    "override",
    "upstream",
    "within",
]
