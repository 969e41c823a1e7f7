import { useCallback } from "react";
import { texts } from "../i18n";

const zh = {
  incident: "故障",
  maintenance: "维护",
  complaint: "客户投诉",
  spare_part_purchase: "备件采购",
  potential_batch_issue: "潜在批次问题",
  data_quality: "数据质量",
  management: "管理",
  waiting_for_customer: "等待客户",
  waiting_for_part: "等待备件",
  waiting_for_vendor: "等待供应商",
  waiting_for_approval: "等待审批",
  waiting_for_window: "等待维护窗口",
  other: "其他",
  hardware: "硬件故障",
  software: "软件缺陷",
  configuration: "配置问题",
  capacity: "容量不足",
  network: "网络问题",
  power: "电源或环境",
  wear: "磨损老化",
  material: "物料或批次",
  operation: "操作不当",
  third_party: "第三方原因",
  data: "数据错误",
  recovered: "自行恢复",
  false_alarm: "误报",
  unassigned: "未认领",
  overdue: "已超时 {{time}}",
  left: "剩余 {{time}}",
  paused: "暂停中",
  days: "{{d}} 天 {{h}} 小时",
  hours: "{{h}} 小时 {{m}} 分",
  minutes: "{{m}} 分钟",
  kept: "已兑现",
  broken: "超时兑现",
};

type Word = keyof typeof zh;

const en: Record<Word, string> = {
  incident: "Incident",
  maintenance: "Maintenance",
  complaint: "Complaint",
  spare_part_purchase: "Spare part purchase",
  potential_batch_issue: "Potential batch issue",
  data_quality: "Data quality",
  management: "Management",
  waiting_for_customer: "Waiting for the customer",
  waiting_for_part: "Waiting for a part",
  waiting_for_vendor: "Waiting for the vendor",
  waiting_for_approval: "Waiting for approval",
  waiting_for_window: "Waiting for a maintenance window",
  other: "Other",
  hardware: "Hardware failure",
  software: "Software defect",
  configuration: "Configuration",
  capacity: "Capacity",
  network: "Network",
  power: "Power or environment",
  wear: "Wear",
  material: "Material or batch",
  operation: "Operation",
  third_party: "Third party",
  data: "Wrong data",
  recovered: "Recovered by itself",
  false_alarm: "False alarm",
  unassigned: "Nobody yet",
  overdue: "{{time}} over",
  left: "{{time}} left",
  paused: "Paused",
  days: "{{d}} d {{h}} h",
  hours: "{{h}} h {{m}} min",
  minutes: "{{m}} min",
  kept: "Kept",
  broken: "Kept late",
};

export const KINDS = [
  "incident",
  "maintenance",
  "complaint",
  "spare_part_purchase",
  "potential_batch_issue",
  "data_quality",
  "management",
] as const;

export const useTicketTexts = texts("tickets", { zh, en });

/** A word of the hub's vocabulary as people read it; one that is not known stays as it is. */
export function useWord(): (key: string | null | undefined) => string {
  const t = useTicketTexts();
  return useCallback((key) => (key ? (key in zh ? t(key as Word) : key) : ""), [t]);
}

/** A length of working time: 3 d 4 h, 2 h 05 min, 7 min. */
export function useLength(): (seconds: number) => string {
  const t = useTicketTexts();
  return useCallback(
    (seconds) => {
      const minutes = Math.floor(Math.abs(seconds) / 60);
      if (minutes >= 2880) return t("days", { d: Math.floor(minutes / 1440), h: Math.floor((minutes % 1440) / 60) });
      if (minutes >= 60) return t("hours", { h: Math.floor(minutes / 60), m: String(minutes % 60).padStart(2, "0") });
      return t("minutes", { m: minutes });
    },
    [t],
  );
}
