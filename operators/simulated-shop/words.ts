/** What the shop sells in one category, in the words its shoppers use. */
export interface CategoryWords {
  readonly id: string;
  readonly group: "outdoor" | "lifestyle" | "digital" | "baby" | "guofeng";
  readonly noun: string;
  /** Other ways to name it in a search. */
  readonly alike: readonly string[];
  readonly brands: readonly string[];
  readonly features: readonly string[];
  readonly models: readonly string[];
  /** CNY, cheapest standard to dearest premium. */
  readonly prices: readonly [number, number];
  /** Share of the shop's demand. */
  readonly weight: number;
  /** What goes wrong with it, as people type it. */
  readonly trouble: string;
  /** Days after which it is used up, where it is. */
  readonly usedUpAfterDays?: number;
}

export const CATEGORIES: readonly CategoryWords[] = [
  {
    id: "hiking_shoes",
    group: "outdoor",
    noun: "徒步鞋",
    alike: ["登山鞋", "越野鞋", "户外鞋"],
    brands: ["云岭", "北径", "山客", "踏野"],
    features: ["防水", "低帮", "高帮", "轻量", "防滑", "透气"],
    models: ["R3", "Trail 2", "岩羚", "疾风", "Pro"],
    prices: [259, 1699],
    weight: 1.5,
    trouble: "开胶",
  },
  {
    id: "jackets",
    group: "outdoor",
    noun: "冲锋衣",
    alike: ["硬壳", "防风外套", "三合一冲锋衣"],
    brands: ["云岭", "北径", "雪线", "拓岭"],
    features: ["三合一", "防暴雨", "轻薄", "加绒", "防风", "可拆卸"],
    models: ["Alpha", "雪豹", "M2", "远征", "Lite"],
    prices: [399, 2999],
    weight: 1.4,
    trouble: "拉链坏了",
  },
  {
    id: "tents",
    group: "outdoor",
    noun: "帐篷",
    alike: ["天幕", "速开帐篷", "露营帐篷"],
    brands: ["野集", "山客", "牧高", "星野"],
    features: ["自动", "双人", "三季", "黑胶防晒", "一室一厅", "轻量化"],
    models: ["星河", "Cabin 4", "云宿", "小屋", "T2"],
    prices: [199, 3299],
    weight: 0.9,
    trouble: "撑杆断了",
  },
  {
    id: "backpacks",
    group: "outdoor",
    noun: "登山包",
    alike: ["双肩包", "徒步背包", "户外背包"],
    brands: ["北径", "踏野", "山客", "拓岭"],
    features: ["40L", "60L", "防泼水", "背负系统", "轻量", "带防雨罩"],
    models: ["行者", "Peak", "负山", "G5", "Day"],
    prices: [169, 1499],
    weight: 0.8,
    trouble: "肩带开线",
  },
  {
    id: "stoves",
    group: "outdoor",
    noun: "露营炉具",
    alike: ["卡式炉", "露营锅", "气罐"],
    brands: ["野集", "牧高", "焰山"],
    features: ["便携", "防风", "高山气罐", "不粘", "折叠", "套装"],
    models: ["火种", "S1", "灶台", "Mini", "炊事员"],
    prices: [39, 799],
    weight: 0.7,
    trouble: "打不着火",
    usedUpAfterDays: 45,
  },
  {
    id: "drinkware",
    group: "lifestyle",
    noun: "保温杯",
    alike: ["水杯", "咖啡杯", "焖烧杯"],
    brands: ["知温", "山居", "白露"],
    features: ["钛", "316不锈钢", "大容量", "一键开盖", "轻量", "显温"],
    models: ["雪松", "C1", "远足", "Cup", "晨"],
    prices: [59, 599],
    weight: 1.1,
    trouble: "漏水",
  },
  {
    id: "fragrance",
    group: "guofeng",
    noun: "国风香薰",
    alike: ["线香", "香薰蜡烛", "无火香薰"],
    brands: ["白露", "听雪", "山居"],
    features: ["沉香", "桂花", "檀香", "安神", "礼盒", "补充装"],
    models: ["空山", "月白", "松风", "竹里", "晚照"],
    prices: [49, 499],
    weight: 0.7,
    trouble: "瓶子碎了",
    usedUpAfterDays: 30,
  },
  {
    id: "headphones",
    group: "digital",
    noun: "蓝牙耳机",
    alike: ["降噪耳机", "运动耳机", "骨传导耳机"],
    brands: ["声屿", "极听", "回响"],
    features: ["降噪", "骨传导", "长续航", "开放式", "低延迟", "防水"],
    models: ["Air 3", "X2", "静界", "Run", "Pro 2"],
    prices: [129, 1899],
    weight: 1.3,
    trouble: "充不进电",
  },
  {
    id: "watches",
    group: "digital",
    noun: "运动手表",
    alike: ["智能手表", "跑步手表", "户外手表"],
    brands: ["极听", "经纬", "腕力"],
    features: ["双频GPS", "血氧", "长续航", "离线地图", "蓝宝石", "轻薄"],
    models: ["Apex", "GT4", "界碑", "Run 2", "领航"],
    prices: [399, 4599],
    weight: 1.2,
    trouble: "表带断了",
  },
  {
    id: "strollers",
    group: "baby",
    noun: "婴儿推车",
    alike: ["童车", "遛娃车", "轻便推车"],
    brands: ["小满", "软木马", "初芽"],
    features: ["可登机", "高景观", "双向", "一键收车", "避震", "可坐可躺"],
    models: ["云朵", "City", "Q1", "萌行", "Plus"],
    prices: [299, 3899],
    weight: 0.8,
    trouble: "轮子异响",
  },
  {
    id: "diapers",
    group: "baby",
    noun: "纸尿裤",
    alike: ["拉拉裤", "尿不湿", "婴儿湿巾"],
    brands: ["小满", "初芽", "棉语"],
    features: ["L码", "M码", "XL码", "超薄", "夜用", "弱酸"],
    models: ["云感", "柔护", "Air", "皇家", "日用"],
    prices: [49, 299],
    weight: 1.2,
    trouble: "漏尿",
    usedUpAfterDays: 20,
  },
  {
    id: "hanfu",
    group: "guofeng",
    noun: "汉服",
    alike: ["马面裙", "新中式", "宋制汉服"],
    brands: ["听雪", "织造坊", "月白记"],
    features: ["马面裙", "宋制", "明制", "日常款", "绣花", "改良"],
    models: ["春山", "海棠", "青岚", "惊鸿", "朱雀"],
    prices: [129, 1999],
    weight: 1.0,
    trouble: "掉色",
  },
];

export interface Region {
  readonly region: string;
  readonly site: string;
  readonly weight: number;
}
/** 华东 华南 华北 华中 西南 东北 by share of shoppers; each with its warehouse. */
export const REGIONS: readonly Region[] = [
  { region: "east", site: "w-east", weight: 0.33 },
  { region: "south", site: "w-south", weight: 0.23 },
  { region: "north", site: "w-north", weight: 0.18 },
  { region: "central", site: "w-central", weight: 0.11 },
  { region: "southwest", site: "w-southwest", weight: 0.1 },
  { region: "northeast", site: "w-northeast", weight: 0.05 },
];
