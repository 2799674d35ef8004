"""What ads may say and show on each platform, and the checks that hold them to it."""
