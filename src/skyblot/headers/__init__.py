"""What headers mean."""
