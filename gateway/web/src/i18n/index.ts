/**
 * Texts in Chinese and English. A page brings its own: `const useT = texts("desk", { zh: {...}, en: {...} })`, and in a
 * component `const t = useT(); t("title")`. Both languages must have the same keys, or it does not compile.
 */
import i18next from "i18next";
import { useCallback } from "react";
import { initReactI18next, useTranslation } from "react-i18next";
import { remembered } from "../remembered";

export type Language = "zh" | "en";
export const languageChoice = remembered<Language>("weft.language", ["zh", "en"]);

/** What was chosen, else the browser's first language that we have, else Chinese. */
function firstLanguage(): Language {
  const chosen = languageChoice.get();
  if (chosen) return chosen;
  for (const wanted of navigator.languages) {
    if (wanted.toLowerCase().startsWith("zh")) return "zh";
    if (wanted.toLowerCase().startsWith("en")) return "en";
  }
  return "zh";
}

void i18next.use(initReactI18next).init({
  lng: firstLanguage(),
  fallbackLng: "zh",
  resources: { zh: {}, en: {} },
  interpolation: { escapeValue: false },
  initAsync: false,
  showSupportNotice: false,
});

function tellDocument(language: string): void {
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
}
tellDocument(i18next.language);
i18next.on("languageChanged", tellDocument);

export function useLanguage(): [Language, (language: Language) => void] {
  const { i18n } = useTranslation();
  const change = useCallback(
    (language: Language) => {
      languageChoice.set(language);
      void i18n.changeLanguage(language);
    },
    [i18n],
  );
  return [i18n.language === "en" ? "en" : "zh", change];
}

type Values = Record<string, string | number>;
export type T<K extends string> = (key: K, values?: Values) => string;

/** Registers a page's texts; answers the hook that reads them. `{{name}}` in a text is replaced by a value. */
export function texts<K extends string>(
  page: string,
  of: { zh: Record<K, string>; en: Record<NoInfer<K>, string> },
): () => T<K> {
  for (const language of ["zh", "en"] as const) i18next.addResourceBundle(language, page, of[language]);
  return function useTexts(): T<K> {
    const { t } = useTranslation(page);
    return useCallback(
      (key: K, values?: Values) => t(key, { ...values, keySeparator: false, nsSeparator: false }),
      [t],
    );
  };
}
