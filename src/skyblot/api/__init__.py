"""What a user calls on files."""
