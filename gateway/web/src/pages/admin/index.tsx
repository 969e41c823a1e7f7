import { BeingBuilt } from "../../parts";
import { useTexts } from "./texts";

export default function Admin() {
  const t = useTexts();
  return <BeingBuilt title={t("title")} />;
}
