import { texts } from "../../i18n";

export const useTexts = texts("overview", { zh: { title: "总览" }, en: { title: "Overview" } });
