import { useQuery } from "@tanstack/react-query";
import { answer, api, type Page } from "../api/client";
import { useSession } from "../session";
import type { Group, Person } from "./types";

const HOUR = 3_600_000;

/** Everybody on the roster; nobody for who may not read it. */
export function usePeople(): Person[] {
  const { mayPage } = useSession();
  const { data } = useQuery({
    queryKey: ["people"],
    queryFn: () => answer<Page<Person>>(api.GET("/v1/people")),
    enabled: mayPage("/v1/people"),
    staleTime: HOUR,
  });
  return data?.items ?? [];
}

export function useGroups(): Group[] {
  const { mayPage } = useSession();
  const { data } = useQuery({
    queryKey: ["groups"],
    queryFn: () => answer<Page<Group>>(api.GET("/v1/groups")),
    enabled: mayPage("/v1/groups"),
    staleTime: HOUR,
  });
  return data?.items ?? [];
}
