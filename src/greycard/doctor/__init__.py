"""The dataset doctor: what is wrong with labelled pictures, found before anything is trained on them."""
