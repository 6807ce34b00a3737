"""Views of a picture, and how targets follow them."""
