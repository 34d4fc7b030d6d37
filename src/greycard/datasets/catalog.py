"""The named datasets: content, download, layout on disk and expected checksums of each."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean

_GOOGLE = "https://storage.googleapis.com"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
_IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class Download:
    """One file to fetch.

    Attributes:
        url: its published address.
        size: bytes; None if it is not published.
        sha256: of the file; None if it is not published, and then the unpacked content is verified.
        unpack: (prefix inside the archive, folder inside the dataset's own); None for a file that is not unpacked.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    unpack: tuple[str, str] | None = None

    @property
    def file(self) -> str:
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Entry:
    """One named dataset.

    Attributes:
        name: as recipes and `greycard fetch` call it.
        title: as people call it.
        kind: `embedded`, `npz`, `idx`, `csv` or `folders`; which reader reads it.
        classes: the label names, in label order; for folders, the published names; the folders on disk decide.
        counts: (training, validation) images as published; only a training number where Greycard makes the split.
        licence: licence and owner.
        folder: its folder inside the data directory.
        downloads: what `fetch` gets.
        layouts: for folders, (training, validation or None) under the data directory, the first one found is used.
        files: for arrays, the files in order, searched in `folder` and next to it.
        digests: SHA-256 of the uint8 arrays x_train, y_train, x_test, y_test, in any container format.
        manifest: for folders, whether a list of known files is kept in `manifests/`.
        by_hand: how to get it manually, if `fetch` cannot.
    """

    name: str
    title: str
    kind: str
    counts: tuple[int, int]
    licence: str
    classes: tuple[str, ...] = ()
    folder: str = ""
    downloads: tuple[Download, ...] = ()
    layouts: tuple[tuple[str, str | None], ...] = ()
    files: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    manifest: bool = False
    by_hand: str | None = None


CATALOG: tuple[Entry, ...] = (
    Entry(
        name="house-prices",
        title="House prices (six pairs)",
        kind="embedded",
        counts=(5, 1),
        licence="facts; no licence needed",
    ),
    Entry(
        name="digits",
        title="Handwritten digits, 8×8 (scikit-learn)",
        kind="embedded",
        counts=(1797, 0),
        licence="CC BY 4.0, E. Alpaydin and C. Kaynak, via scikit-learn",
        classes=tuple("0123456789"),
    ),
    Entry(
        name="fashion-mnist",
        title="Fashion-MNIST",
        kind="idx",
        counts=(60_000, 10_000),
        licence="MIT, Zalando SE",
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        folder="fashion-mnist",
        files=_IDX_FILES,
        downloads=(
            Download(
                f"{_FASHION}/train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            Download(
                f"{_FASHION}/train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            Download(
                f"{_FASHION}/t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            Download(
                f"{_FASHION}/t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        digests=(
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
    ),
    Entry(
        name="mnist",
        title="MNIST",
        kind="npz",
        counts=(60_000, 10_000),
        licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
        classes=tuple("0123456789"),
        folder="mnist",
        files=("mnist.npz",),
        downloads=(
            Download(
                f"{_GOOGLE}/tensorflow/tf-keras-datasets/mnist.npz",
                11_490_434,
                "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
            ),
        ),
        digests=(
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    ),
    Entry(
        name="horse-or-human",
        title="Horses or Humans",
        kind="folders",
        counts=(1_027, 256),
        licence="CC BY 2.0, Laurence Moroney",
        classes=("horses", "humans"),
        folder="horse-or-human",
        layouts=(
            ("horse-or-human/train", "horse-or-human/validation"),
            ("horse-or-human", "validation-horse-or-human"),
        ),
        downloads=(
            Download(
                f"{_GOOGLE}/download.tensorflow.org/data/horse-or-human.zip",
                149_574_867,
                "e2e6f70d3d549c5dd10a57165e55af253ee66ad750403f95c0fb76bb943633a9",
                unpack=("", "train"),
            ),
            Download(
                f"{_GOOGLE}/download.tensorflow.org/data/validation-horse-or-human.zip",
                11_480_187,
                "ae5fff2f4f5554791f05358108e2e05d9801b191f1896ea101402f0e7f6c32c0",
                unpack=("", "validation"),
            ),
        ),
        manifest=True,
    ),
    Entry(
        name="cats-and-dogs-filtered",
        title="Cats vs Dogs, filtered",
        kind="folders",
        counts=(2_000, 1_000),
        licence="for research use; no open licence known",
        classes=("cats", "dogs"),
        folder="cats_and_dogs_filtered",
        layouts=(("cats_and_dogs_filtered/train", "cats_and_dogs_filtered/validation"),),
        downloads=(
            Download(
                f"{_GOOGLE}/mledu-datasets/cats_and_dogs_filtered.zip",
                68_606_236,
                unpack=("cats_and_dogs_filtered", ""),
            ),
        ),
        manifest=True,
    ),
    Entry(
        name="cats-vs-dogs",
        title="Cats vs Dogs, full",
        kind="folders",
        counts=(24_998, 0),
        licence="for research use; no open licence known (Microsoft, Petfinder)",
        classes=("Cat", "Dog"),
        folder="cats-vs-dogs",
        layouts=(
            ("cats-vs-dogs/PetImages", None),
            ("PetImages", None),
            ("kagglecatsanddogs_5340/PetImages", None),
        ),
        downloads=(
            Download(
                "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
                "kagglecatsanddogs_5340.zip",
                824_887_076,
                "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
                unpack=("PetImages", "PetImages"),
            ),
        ),
    ),
    Entry(
        name="rock-paper-scissors",
        title="Rock, Paper, Scissors",
        kind="folders",
        counts=(2_520, 372),
        licence="CC BY 2.0, Laurence Moroney",
        classes=("paper", "rock", "scissors"),
        folder="rock-paper-scissors",
        layouts=(("rock-paper-scissors/rps", "rock-paper-scissors/rps-test-set"), ("rps", "rps-test-set")),
        downloads=(
            Download(
                f"{_GOOGLE}/download.tensorflow.org/data/rps.zip",
                200_682_221,
                "c2403444395842ad04c53612bad54b574443eae17a0723117a2ff87b9d72194f",
                unpack=("rps", "rps"),
            ),
            Download(
                f"{_GOOGLE}/download.tensorflow.org/data/rps-test-set.zip",
                29_516_758,
                "c27ab9fa43ce40b2e453de711365b477f4424586edf0388116674fd320f07503",
                unpack=("rps-test-set", "rps-test-set"),
            ),
        ),
    ),
    Entry(
        name="happy-or-sad",
        title="Happy or Sad faces",
        kind="folders",
        counts=(80, 0),
        licence="not stated; course material by Laurence Moroney",
        classes=("happy", "sad"),
        folder="happy-or-sad",
        layouts=(("happy-or-sad", None), ("h-or-s", None)),
        downloads=(Download(f"{_GOOGLE}/laurencemoroney-blog.appspot.com/happy-or-sad.zip", unpack=("", "")),),
    ),
    Entry(
        name="sign-language-mnist",
        title="Sign Language MNIST",
        kind="csv",
        counts=(27_455, 7_172),
        licence="CC0, tecperson on Kaggle",
        classes=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        folder="sign-language-mnist",
        files=("sign_mnist_train.csv", "sign_mnist_test.csv"),
        by_hand="get it from kaggle.com/datasets/datamunge/sign-language-mnist (an account is needed)",
    ),
)


def entry(name: str) -> Entry:
    """The catalog entry with this name; GreycardError, which lists the names, if there is none."""
    for candidate in CATALOG:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in CATALOG if candidate.kind != "embedded")
    hint = did_you_mean(name, [candidate.name for candidate in CATALOG], f"the datasets are {names}")
    raise GreycardError(f"there is no dataset named {name!r}", hint=hint)
