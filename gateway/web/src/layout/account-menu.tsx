import {
  BulbOutlined,
  FileTextOutlined,
  GlobalOutlined,
  KeyOutlined,
  LogoutOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { Button, Dropdown, type MenuProps } from "antd";
import { useNavigate } from "react-router";
import { useLanguage } from "../i18n";
import { useMe, useSession } from "../session";
import { type Appearance, useLook } from "../theme";
import { useLayoutTexts } from "./texts";

/** Who is signed in, language, light or dark, password, sign-out. */
export function AccountMenu({ compact = false }: { compact?: boolean }) {
  const t = useLayoutTexts();
  const me = useMe();
  const { signOut } = useSession();
  const [language, setLanguage] = useLanguage();
  const { appearance, choose } = useLook();
  const navigate = useNavigate();
  const items: MenuProps["items"] = [
    { key: "who", label: t("signedInAs", { name: me.name }), disabled: true, icon: <UserOutlined /> },
    { type: "divider" },
    {
      type: "group",
      label: t("language"),
      children: [
        { key: "zh", label: "简体中文", icon: <GlobalOutlined /> },
        { key: "en", label: "English", icon: <GlobalOutlined /> },
      ],
    },
    {
      type: "group",
      label: t("appearance"),
      children: (["system", "light", "dark"] as const).map((key) => ({ key, label: t(key), icon: <BulbOutlined /> })),
    },
    { type: "divider" },
    { key: "docs", label: t("apiPages"), icon: <FileTextOutlined /> },
    ...(me.has_password ? [{ key: "password", label: t("password"), icon: <KeyOutlined /> }] : []),
    ...(me.by === "session" ? [{ key: "out", label: t("signOut"), icon: <LogoutOutlined /> }] : []),
  ];
  const chosen: MenuProps["onClick"] = ({ key }) => {
    if (key === "zh" || key === "en") setLanguage(key);
    else if (key === "out") void signOut();
    else if (key === "password") void navigate("/signin?change");
    else if (key === "docs") window.location.assign("/docs");
    else choose(key as Appearance);
  };
  return (
    <Dropdown
      menu={{ items, onClick: chosen, selectable: true, selectedKeys: [language, appearance] }}
      trigger={["click"]}
      placement={compact ? "bottomRight" : "topLeft"}
    >
      <Button type="text" className="account" icon={<UserOutlined />} aria-label={`${t("account")}: ${me.name}`}>
        {!compact && <span className="account-name">{me.name}</span>}
      </Button>
    </Dropdown>
  );
}
