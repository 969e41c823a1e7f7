import { texts } from "../../i18n";

export const useTexts = texts("progress", { zh: { title: "进度" }, en: { title: "Progress" } });
