// Every page: times that keep fresh, forms without a page change, keys, live parts. Pages work without it.
import "./times.js";
import "./forms.js";
import "./keys.js";
import "./live.js";
import "./desk.js";
import "./player.js";
import "./prompts.js";
