import { texts } from "../../i18n";

export const useTexts = texts("lineage", { zh: { title: "血缘" }, en: { title: "Lineage" } });
