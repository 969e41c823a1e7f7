"""People who sign in: accounts with passwords, sessions in the database, an organisation's own sign-in (OIDC)."""
