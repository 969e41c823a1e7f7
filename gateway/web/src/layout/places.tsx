import {
  ApartmentOutlined,
  ApiOutlined,
  DashboardOutlined,
  IdcardOutlined,
  InboxOutlined,
  SettingOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import { useSession } from "../session";
import { useLayoutTexts } from "./texts";

export interface Place {
  path: string;
  name: string;
  short: string;
  icon: ReactNode;
}

/** Where one may go, in order of use. */
export function usePlaces(): Place[] {
  const t = useLayoutTexts();
  const { me, may, mayPage } = useSession();
  const all: (Place & { shown: boolean })[] = [
    { path: "/", name: t("overview"), short: t("overview"), icon: <DashboardOutlined />, shown: true },
    { path: "/tickets", name: t("tickets"), short: t("tickets"), icon: <InboxOutlined />, shown: true },
    {
      path: "/studio",
      name: t("studio"),
      short: t("studioShort"),
      icon: <ApiOutlined />,
      shown: may("configure") && mayPage("/v1/connections"),
    },
    {
      path: "/lineage",
      name: t("lineage"),
      short: t("lineage"),
      icon: <ApartmentOutlined />,
      shown: mayPage("/v1/lineage"),
    },
    {
      path: "/identity",
      name: t("identity"),
      short: t("identity"),
      icon: <IdcardOutlined />,
      shown: !me?.limited || mayPage("/v1/ids"),
    },
    {
      path: "/admin",
      name: t("admin"),
      short: t("admin"),
      icon: <SettingOutlined />,
      shown: may("administer") && !me?.limited,
    },
  ];
  return all.filter((place) => place.shown);
}

/** The place that an address belongs to. */
export function placeOf(pathname: string, places: Place[]): Place | undefined {
  return places.find((place) =>
    place.path === "/" ? pathname === "/" : pathname === place.path || pathname.startsWith(`${place.path}/`),
  );
}
