import { texts } from "../../i18n";

export const useTexts = texts("admin", { zh: { title: "管理" }, en: { title: "Admin" } });
