"""From frames to tracks: start, associate, filter, classify, end."""
