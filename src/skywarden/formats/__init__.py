"""Bytes to records and back, shared by ways in and ways out."""
