/** Lineage: of one value of a ticket, of one field of the schema, or where to begin. */
import { useAddress } from "./address";
import "./lineage.css";
import { SchemaPage } from "./schema";
import { Start } from "./start";
import { ValuePage } from "./value";

export default function Lineage() {
  const [address] = useAddress();
  if (address.ticket) return <ValuePage ticket={address.ticket} />;
  if (address.node) return <SchemaPage node={address.node} />;
  return <Start />;
}
