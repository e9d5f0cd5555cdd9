"""Answers with pages of feeds, in protobuf and in JSON. Both are joined from parts that are made once for each card."""
