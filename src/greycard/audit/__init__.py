"""The dataset doctor: what is wrong with labelled images, found before anything is trained on them."""
