"""media_svc: uploads, and the photos and videos made from them."""
