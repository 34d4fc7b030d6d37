"""Recipes of every family, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from greycard.pipeline.augmentation import FILL_MODES, Augmentation
from greycard.recipe import Recipe
from greycard.recipe.data import RESIZES, TASKS, DataConfig
from greycard.recipe.loss import BALANCES, LossConfig
from greycard.recipe.mixing import MixingConfig
from greycard.recipe.model import ConvNetConfig, CustomConfig, MlpConfig, PretrainedConfig, ProbeConfig, ResNetConfig
from greycard.recipe.optimizer import OptimizerConfig
from greycard.recipe.prediction import VIEWS, PredictionConfig
from greycard.recipe.schedule import ScheduleConfig
from greycard.recipe.stopping import StoppingConfig
from greycard.recipe.training import TrainingConfig

positive = st.integers(1, 512)
side = st.integers(8, 512)
seed = st.integers(0, 2**32 - 1)
share = st.floats(0, 0.99)
beta = st.floats(0.001, 100)
layers = st.lists(positive, max_size=4).map(tuple)
stages = st.lists(positive, min_size=1, max_size=4).map(tuple)
ranges = st.tuples(st.floats(0.1, 1), st.floats(1, 3))
odd = st.sampled_from(
    ["no", "none", "null", "1e-3", "010", "1:30", "true", "~", "# a", "a: b", "- a", "2026-01-01", "é\n"]
)
names = odd | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)

augmentations = st.builds(
    Augmentation,
    rotation_range=st.floats(0, 180),
    width_shift_range=st.floats(0, 20),
    shear_range=st.floats(0, 89),
    zoom_range=ranges,
    horizontal_flip=st.booleans(),
    brightness_range=st.none() | ranges,
    contrast_range=st.none() | ranges,
    saturation_range=st.none() | ranges,
    hue_range=st.floats(0, 180),
    crop_padding=st.integers(0, 7),
    crop_scale=st.none() | st.tuples(st.floats(0.1, 0.5), st.floats(0.5, 1)),
    cutout=st.floats(0, 0.9),
    trivial=st.booleans(),
    fill_mode=st.sampled_from(FILL_MODES),
)
data = st.builds(
    DataConfig,
    dataset=names,
    task=st.none() | st.sampled_from(TASKS),
    image_size=st.none() | st.tuples(side, side),
    channels=st.sampled_from([1, 3]),
    resize=st.sampled_from(RESIZES),
    val_fraction=st.none() | st.floats(0.01, 0.99),
    split_seed=seed,
    group_duplicates=st.none() | st.booleans(),
    train_limit=st.none() | positive,
    val_limit=st.none() | positive,
)
FAMILY_STRATEGIES = {
    "mlp": st.builds(MlpConfig, dense=layers, dropout=share),
    "convnet": st.builds(ConvNetConfig, conv=stages, dense=layers, feature_dropout=share, dropout=share),
    "pretrained": st.builds(
        PretrainedConfig,
        backbone=names,
        backbone_layer=st.none() | names,
        backbone_alpha=st.none() | st.floats(0.1, 2),
        augmented_copies=positive,
        pooling=st.sampled_from(["flatten", "average"]),
        dense=layers,
    ),
    "probe": st.builds(
        ProbeConfig,
        backbones=st.lists(names, min_size=1, max_size=2, unique=True).map(tuple),
        backbone_alpha=st.none() | st.floats(0.1, 2),
        fine_tune=st.none() | st.sampled_from(["last", "all"]),
    ),
    "resnet": st.builds(
        ResNetConfig,
        width=positive,
        blocks=st.lists(st.integers(0, 9), min_size=1, max_size=4).map(tuple),
        stem_stride=positive,
        dropout=share,
    ),
    "custom": st.builds(CustomConfig, function=names),
}
above_zero = st.floats(0.001, 0.99)
for_every_kind = {
    "learning_rate": st.floats(1e-8, 10),
    "clip_norm": st.none() | st.floats(0.01, 1e3),
    "ema": st.none() | above_zero,
}
optimizers = st.one_of(
    st.builds(OptimizerConfig, kind=st.just("adam"), **for_every_kind),
    st.builds(OptimizerConfig, kind=st.just("adamw"), weight_decay=above_zero, **for_every_kind),
    st.builds(OptimizerConfig, kind=st.just("rmsprop"), weight_decay=share, momentum=share, **for_every_kind),
    st.builds(
        OptimizerConfig,
        kind=st.just("sgd"),
        weight_decay=share,
        momentum=above_zero,
        nesterov=st.booleans(),
        **for_every_kind,
    ),
)
schedules = st.one_of(
    st.just(ScheduleConfig()),
    st.builds(
        ScheduleConfig,
        kind=st.just("onecycle"),
        warmup=st.none() | share,
        anneal=st.sampled_from(["cosine", "linear"]),
    ),
    st.builds(ScheduleConfig, kind=st.just("cosine"), warmup=st.none() | share),
    st.builds(
        ScheduleConfig,
        kind=st.just("step"),
        milestones=st.lists(above_zero, min_size=1, max_size=4, unique=True).map(lambda shares: tuple(sorted(shares))),
        factor=above_zero,
    ),
)
recipes = st.builds(
    Recipe,
    name=names,
    data=data,
    model=st.one_of(*FAMILY_STRATEGIES.values()),
    augmentation=st.none() | augmentations,
    mixing=st.builds(MixingConfig, mixup=st.just(0.0) | beta, cutmix=st.just(0.0) | beta),
    loss=st.builds(LossConfig, label_smoothing=share, balance=st.sampled_from(BALANCES)),
    optimizer=optimizers,
    schedule=schedules,
    training=st.builds(TrainingConfig, batch_size=positive, val_batch_size=positive, epochs=positive, seed=seed),
    stopping=st.builds(
        StoppingConfig,
        target_accuracy=st.none() | st.floats(0.01, 1),
        target_uses_lower_bound=st.booleans(),
        patience=st.none() | positive,
        minutes=st.none() | st.floats(0.01, 1e6),
        keep=st.sampled_from(["last", "best"]),
    ),
    prediction=st.builds(
        PredictionConfig, views=st.none() | st.sampled_from(VIEWS), center_crop=st.floats(0.1, 1.0) | st.just(1)
    ),
)
