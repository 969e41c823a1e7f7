import { texts } from "../../i18n";

export const useTexts = texts("identity", { zh: { title: "身份" }, en: { title: "Identity" } });
