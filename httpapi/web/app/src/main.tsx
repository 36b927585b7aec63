import { render } from "preact";
import { followOverview } from "./box/overview.ts";
import { followRoute } from "./route.ts";
import { Page } from "./views/page.tsx";

followRoute();
followOverview();
render(<Page />, document.getElementById("page")!);
