"""What comes from the user: files, folders and data sets with questions or answers, and what their rows share."""
