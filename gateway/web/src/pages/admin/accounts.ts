/** Users and tokens as the API tells them. */
export const ROLES = ["viewer", "agent", "integrator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface User {
  id: string;
  login: string;
  name: string;
  role: Role;
  person: string | null;
  roles: string[] | null;
  by: "password" | "oidc" | "none";
  must_change_password: boolean;
  created_at: string;
  disabled_at: string | null;
  signed_in_at: string | null;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  person: string | null;
  roles: string[] | null;
  customer: string | null;
}

/** Something that the hub tells only once. */
export interface Once {
  label: string;
  secret: string;
}
