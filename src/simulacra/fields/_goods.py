"""Words for products and cars, which Faker does not have."""

from __future__ import annotations

ADJECTIVES = (
    "Bright", "Classic", "Compact", "Cosy", "Durable", "Elegant", "Everyday", "Fine", "Foldable", "Handy", "Heavy",
    "Large", "Light", "Modern", "Natural", "Plain", "Portable", "Practical", "Quiet", "Robust", "Rustic", "Simple",
    "Sleek", "Slim", "Small", "Smart", "Soft", "Sturdy", "Traditional", "Warm", "Waterproof", "Wide",
)  # fmt: skip
MATERIALS = (
    "Aluminium", "Bamboo", "Beech", "Brass", "Canvas", "Ceramic", "Concrete", "Copper", "Cork", "Cotton", "Felt",
    "Glass", "Granite", "Leather", "Linen", "Marble", "Oak", "Paper", "Pine", "Plastic", "Rubber", "Silk", "Slate",
    "Steel", "Walnut", "Wool",
)  # fmt: skip
THINGS = (
    "Backpack", "Basket", "Bench", "Blanket", "Board", "Bottle", "Bowl", "Box", "Bracelet", "Brush", "Candle", "Cap",
    "Chair", "Clock", "Cup", "Curtain", "Cushion", "Desk", "Fan", "Frame", "Gloves", "Hat", "Headphones", "Jacket",
    "Jug", "Kettle", "Keyboard", "Knife", "Lamp", "Mat", "Mirror", "Mug", "Notebook", "Pan", "Pen", "Plate", "Rug",
    "Scale", "Scarf", "Shelf", "Shirt", "Shoes", "Sofa", "Speaker", "Spoon", "Stool", "Table", "Tent", "Towel", "Tray",
    "Umbrella", "Vase", "Wallet", "Watch",
)  # fmt: skip
CATEGORIES = (
    "Automotive", "Baby", "Beauty", "Books", "Clothing", "Computers", "Electronics", "Furniture", "Games", "Garden",
    "Grocery", "Health", "Home", "Jewellery", "Kitchen", "Music", "Office", "Outdoor", "Pets", "Shoes", "Sports",
    "Tools", "Toys", "Travel",
)  # fmt: skip
VEHICLES = (
    "Audi A3", "Audi A4", "Audi Q5", "BMW 320i", "BMW X3", "BMW X5", "BYD Atto 3", "BYD Seal", "Chevrolet Equinox",
    "Chevrolet Silverado", "Citroën C3", "Dacia Duster", "Dacia Sandero", "Fiat 500", "Fiat Panda", "Ford F-150",
    "Ford Fiesta", "Ford Focus", "Ford Kuga", "Honda Accord", "Honda Civic", "Honda CR-V", "Hyundai i20",
    "Hyundai Kona", "Hyundai Tucson", "Jeep Compass", "Kia Ceed", "Kia Niro", "Kia Sportage", "Mazda 3", "Mazda CX-5",
    "Mercedes-Benz A 180", "Mercedes-Benz C 200", "Mercedes-Benz GLC", "Mini Cooper", "Mitsubishi Outlander",
    "Nissan Juke", "Nissan Leaf", "Nissan Qashqai", "Opel Astra", "Opel Corsa", "Peugeot 208", "Peugeot 3008",
    "Porsche 911", "Renault Clio", "Renault Captur", "Renault Megane", "Seat Ibiza", "Seat Leon", "Škoda Fabia",
    "Škoda Octavia", "Subaru Forester", "Suzuki Swift", "Tesla Model 3", "Tesla Model Y", "Toyota Camry",
    "Toyota Corolla", "Toyota RAV4", "Toyota Yaris", "Volkswagen Golf", "Volkswagen Passat", "Volkswagen Polo",
    "Volkswagen Tiguan", "Volvo V60", "Volvo XC40", "Volvo XC60",
)  # fmt: skip
