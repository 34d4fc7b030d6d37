"""The limits for distribution shift and class imbalance, shared by checks and diagnoses."""

SHIFTED = 0.7
"""If the lower end of the AUC's interval is above this, training and validation images differ in distribution."""

UNEQUAL = 4.0
"""Classes are imbalanced if the largest has more than this many times the training images of the smallest."""

FEW_WITH_LABEL = 20
"""With fewer training images that have it, a label of several is hardly learned."""
