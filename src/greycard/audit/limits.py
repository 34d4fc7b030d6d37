"""From where on images are called shifted or unequal, in a check and in a run's diagnosis alike."""

SHIFTED = 0.7
"""The lower end of the AUC's interval above which training and validation images are of different kinds."""

UNEQUAL = 4.0
"""The largest class may have up to so many times the training images of the smallest."""
