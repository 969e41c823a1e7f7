import { texts } from "../../i18n";

export const useTexts = texts("desk", { zh: { title: "工单" }, en: { title: "Tickets" } });
