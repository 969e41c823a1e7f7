"""What people ask of the hub, whatever door they come by: the API and the CLI are thin around these."""
