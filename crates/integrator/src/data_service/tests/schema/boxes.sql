CREATE TABLE Products (productCode VARCHAR(15), productName VARCHAR(70), productLine VARCHAR(50), productDescription TEXT, quantityInStock INTEGER);
INSERT INTO Products VALUES ('text','1969 Harley','Motorcycles','A replica',7933);
CREATE TABLE Orders (orderNumber INTEGER PRIMARY KEY, productCode VARCHAR(15), productName VARCHAR(70), productLine VARCHAR(50), comments TEXT);
INSERT INTO Orders VALUES (1,'S10','1969 Harley','Motorcycles','none');
