import { texts } from "../../i18n";

export const useTexts = texts("ticket", { zh: { title: "工单" }, en: { title: "Ticket" } });
