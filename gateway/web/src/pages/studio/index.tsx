import { BeingBuilt } from "../../parts";
import { useTexts } from "./texts";

export default function Studio() {
  const t = useTexts();
  return <BeingBuilt title={t("title")} />;
}
