"""The user's input: files, folders and data sets with questions or answers, and what their rows share."""
