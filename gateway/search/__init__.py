"""Finding similar tickets and knowledge articles, in Chinese and English."""
