import { texts } from "../../i18n";

export const useTexts = texts("studio", { zh: { title: "连接器工坊" }, en: { title: "Connector studio" } });
