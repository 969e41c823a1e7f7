/**
 * Texts in Chinese and English. A page brings its own: `const useT = texts("desk", { zh: {...}, en: {...} })`, and in a
 * component `const t = useT(); t("title")`. Both languages must have the same keys, or it does not compile.
 */
import i18next from "i18next";
import { useSyncExternalStore } from "react";
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

void i18next.init({
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

const listeners = new Set<() => void>();
i18next.on("languageChanged", () => {
  for (const each of listeners) each();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const current = (): Language => (i18next.language === "en" ? "en" : "zh");

function change(language: Language): void {
  languageChoice.set(language);
  void i18next.changeLanguage(language);
}

export function useLanguage(): [Language, (language: Language) => void] {
  return [useSyncExternalStore(subscribe, current), change];
}

type Values = Record<string, string | number>;
export type T<K extends string> = (key: K, values?: Values) => string;

/** Registers a page's texts; answers the hook that reads them. `{{name}}` in a text is replaced by a value. */
export function texts<K extends string>(
  page: string,
  of: { zh: Record<K, string>; en: Record<NoInfer<K>, string> },
): () => T<K> {
  for (const language of ["zh", "en"] as const) i18next.addResourceBundle(language, page, of[language]);
  // made once: a list asks for its texts hundreds of times
  const inLanguage = (language: Language): T<K> => {
    const fixed = i18next.getFixedT(language, page);
    return (key, values) => fixed(key, { ...values, keySeparator: false, nsSeparator: false });
  };
  const both = { zh: inLanguage("zh"), en: inLanguage("en") };
  return () => both[useSyncExternalStore(subscribe, current)];
}
