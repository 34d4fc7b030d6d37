"""What a model answered for many images: a file of answers, images sorted by them."""
