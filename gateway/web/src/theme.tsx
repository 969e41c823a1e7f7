/** How everything looks: light or dark, as the system says or as chosen. */
import { ConfigProvider, type MappingAlgorithm, type ThemeConfig, theme } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import relativeTime from "dayjs/plugin/relativeTime";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useLanguage } from "./i18n";
import { remembered } from "./remembered";

dayjs.extend(relativeTime);

/**
 * Lists and menus stand in the dialog or the page they belong to, where a screen reader looks for them: in what a dialog
 * holds, since the dialog itself lets clicks through.
 */
const popupsIn = (trigger?: HTMLElement): HTMLElement =>
  trigger?.closest<HTMLElement>(".ant-modal-container,.ant-drawer-body,[role=dialog]") ??
  document.getElementById("content") ??
  document.body;

export type Appearance = "system" | "light" | "dark";
const choice = remembered<Appearance>("weft.appearance", ["system", "light", "dark"]);

interface Look {
  appearance: Appearance;
  dark: boolean;
  choose: (appearance: Appearance) => void;
}
const LookContext = createContext<Look>({ appearance: "system", dark: false, choose: () => undefined });
export const useLook = (): Look => useContext(LookContext);

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = (changed: () => void) => {
  prefersDark.addEventListener("change", changed);
  return () => prefersDark.removeEventListener("change", changed);
};

const FONT =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", Roboto, "Helvetica Neue", Arial, sans-serif';
const MONO = 'ui-monospace, SFMono-Regular, "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace';

const key = (dark: boolean) => (dark ? "weft-dark" : "weft-light");

/** The compact algorithm takes three pixels off all text, which leaves 10 of 13: here is the size that was meant, 12 at least. */
const legible: MappingAlgorithm = (seed, compact) => {
  const meant = theme.defaultAlgorithm(seed);
  const text = Object.entries(meant).filter(([name]) => /^(fontSize|fontHeight|lineHeight)/.test(name));
  return { ...(compact ?? meant), ...Object.fromEntries(text), fontSizeSM: 12, lineHeightSM: 1.6, fontHeightSM: 20 };
};

function config(dark: boolean): ThemeConfig {
  const text = dark ? "255,255,255" : "15,23,30";
  const strength = (light: number, inDark: number) => `rgba(${text},${dark ? inDark : light})`;
  return {
    cssVar: { key: key(dark) },
    algorithm: dark
      ? [theme.darkAlgorithm, theme.compactAlgorithm, legible]
      : [theme.defaultAlgorithm, theme.compactAlgorithm, legible],
    token: {
      fontFamily: FONT,
      fontFamilyCode: MONO,
      fontSize: 13,
      borderRadius: 6,
      colorPrimary: dark ? "#27849b" : "#0b6b82",
      // lighter, as the algorithm would have it, is too light for white words
      ...(dark && { colorPrimaryHover: "#217489" }),
      colorInfo: dark ? "#2f9db5" : "#0b6b82",
      colorLink: dark ? "#6cc6da" : "#0b6b82",
      colorSuccess: dark ? "#49a56b" : "#25804a",
      colorWarning: dark ? "#d69a3a" : "#a35f00",
      colorError: dark ? "#ee7f79" : "#c4302b",
      // of colours this dark the algorithm makes greyish grounds, too heavy for what is said by the way
      ...(!dark && {
        colorInfoBg: "#edf7fa",
        colorInfoBorder: "#b3d9e3",
        colorSuccessBg: "#edf8f1",
        colorSuccessBorder: "#b4dcc2",
        colorWarningBg: "#fdf6e7",
        colorWarningBorder: "#ecd4a4",
      }),
      colorBgLayout: dark ? "#0f1214" : "#f5f6f7",
      colorBgContainer: dark ? "#171b1e" : "#ffffff",
      colorBgElevated: dark ? "#1e2327" : "#ffffff",
      colorBorder: dark ? "#353c42" : "#d5dade",
      colorBorderSecondary: dark ? "#262c31" : "#e6e9ec",
      // readers with weak eyes: 4.5 to 1 at least, also for what is said by the way
      colorText: strength(0.9, 0.88),
      colorTextSecondary: strength(0.72, 0.7),
      colorTextTertiary: strength(0.64, 0.62),
      colorTextDescription: strength(0.66, 0.64),
      colorTextPlaceholder: strength(0.62, 0.58),
      controlHeight: 30,
      motion: !calm.matches,
      motionDurationMid: "0.12s",
      motionDurationSlow: "0.16s",
    },
    components: {
      Layout: { bodyBg: dark ? "#0f1214" : "#f5f6f7" },
      Table: {
        headerBg: "transparent",
        cellPaddingBlockSM: 7,
        cellPaddingInlineSM: 12,
        headerSplitColor: "transparent",
      },
      Card: { headerFontSize: 13, bodyPaddingSM: 14 },
      Button: { contentFontSize: 13, contentFontSizeSM: 13, primaryShadow: "none", defaultShadow: "none" },
      // in the dark, what is white on the main colour is too dim for the main colour on black
      ...(dark && {
        Button: {
          primaryShadow: "none",
          defaultShadow: "none",
          defaultHoverColor: "#6cc6da",
          defaultHoverBorderColor: "#6cc6da",
          defaultActiveColor: "#8fd6e6",
          defaultActiveBorderColor: "#8fd6e6",
        },
        Tabs: {
          itemSelectedColor: "#6cc6da",
          itemActiveColor: "#6cc6da",
          itemHoverColor: "#8fd6e6",
          inkBarColor: "#6cc6da",
        },
        Pagination: { itemActiveColor: "#6cc6da", itemActiveColorHover: "#8fd6e6" },
      }),
      Menu: { itemHeight: 34, activeBarBorderWidth: 0 },
      Statistic: { contentFontSize: 24 },
    },
  };
}

export function Themed({ children }: { children: ReactNode }) {
  const [appearance, setAppearance] = useState<Appearance>(() => choice.get() ?? "system");
  const systemDark = useSyncExternalStore(follow, () => prefersDark.matches);
  const [language] = useLanguage();
  const dark = appearance === "dark" || (appearance === "system" && systemDark);
  const look = useMemo<Look>(
    () => ({
      appearance,
      dark,
      choose: (wanted) => {
        choice.set(wanted);
        setAppearance(wanted);
      },
    }),
    [appearance, dark],
  );
  useEffect(() => {
    const root = document.documentElement;
    root.dataset.look = dark ? "dark" : "light";
    root.classList.remove("weft-light", "weft-dark");
    root.classList.add(key(dark)); // so that our own style sheets have the design's variables
  }, [dark]);
  dayjs.locale(language === "zh" ? "zh-cn" : "en");
  return (
    <LookContext value={look}>
      <ConfigProvider
        theme={config(dark)}
        locale={language === "zh" ? zhCN : enUS}
        componentSize="middle"
        button={{ autoInsertSpace: false }}
        getPopupContainer={popupsIn}
      >
        {children}
      </ConfigProvider>
    </LookContext>
  );
}
